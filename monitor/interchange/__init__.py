"""Events files: the ledger in and out as CSV and Parquet."""
