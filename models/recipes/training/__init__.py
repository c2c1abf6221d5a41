"""What every recipe trains with; knows no task."""
