"""The desk in a notebook: answers as polars frames."""
