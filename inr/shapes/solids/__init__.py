"""What is inside and what is outside: winding numbers, orientation, checks and repair."""
