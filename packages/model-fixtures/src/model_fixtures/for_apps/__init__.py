"""What tests of applications use: the fixtures' types, and `serve` for tests without pytest.

`model_fixtures` exports the public names, and `docs/fixtures.md` is their reference. The fixtures
themselves are in `pytest_plugin/fixtures.py`.
"""
