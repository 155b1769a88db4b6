"""Networks, latents, and the model that joins them."""
