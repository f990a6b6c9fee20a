"""Files that clients have uploaded."""
