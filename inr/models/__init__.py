"""Networks, latents, and the model that combines them."""
