"""What can be wrong with a checkpoint or with the weights that a network starts from."""


class CheckpointError(ValueError):
    """A checkpoint that is missing, incomplete or of another format."""


class WeightsUnavailableError(CheckpointError):
    """Pretrained weights that are neither on this machine nor to be had from it."""


class OodWidthError(CheckpointError):
    """An out-of-distribution score that was fitted on other layers than the graph's embedding."""
