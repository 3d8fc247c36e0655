"""The steps, by aerich: one file each, with the SQL of both databases."""
