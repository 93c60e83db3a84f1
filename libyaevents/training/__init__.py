"""Training and pretraining; needs the extra `train`."""
