"""What building and reading many rows costs: time, CPU time, memory, disk."""
