"""Pictures of samples: grids, scatter plots, films, and what stands beside them."""
