"""The commands of `python -m waf_tests`."""
