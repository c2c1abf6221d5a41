"""What Windows alone has, each module in here is imported there and nowhere else."""
