"""A world of boards with walls, on which walkers who are equally quick go to a goal, each in a way of their own."""
