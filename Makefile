test:
	@echo "no tests yet"
