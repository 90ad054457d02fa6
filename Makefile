.PHONY: test
test:
	python3 -m venv .venv
	.venv/bin/pip install -q -e . pytest hypothesis
	.venv/bin/python -m pytest -q
