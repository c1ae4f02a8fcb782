"""Pictures of one or two shapes with captions, and a checker that reads them."""
