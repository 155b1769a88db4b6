"""What every test shares."""

import torch

# tiny tensors: a second thread costs more than it gives
torch.set_num_threads(1)
