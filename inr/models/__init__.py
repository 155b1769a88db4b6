"""Networks, codes, and the model that joins them."""
