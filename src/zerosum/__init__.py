"""zerosum: generative adversarial networks, one file a GAN."""
