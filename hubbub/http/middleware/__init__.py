"""What happens around every route, one file each."""
