// What Python tells a process: the argument of run_cases.mjs, see ../node_process.py.
export const settings = JSON.parse(process.argv[2]);
