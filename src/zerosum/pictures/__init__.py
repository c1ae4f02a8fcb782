"""Pictures of samples: grids of images, scatter plots of points, films, neighbours, walks."""
