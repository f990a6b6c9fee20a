"""The documentation: its site, and what tries the code blocks of its pages."""
