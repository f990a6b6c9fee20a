"""The page that `hatch run test:report` makes of the results of runs."""
