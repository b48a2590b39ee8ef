"""Write rows to Parquet files, one task per shard: plan, write on any machine, check, add up."""
