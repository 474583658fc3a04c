"""What can be wrong with a picture, each kind with the HTTP status of its answer."""


class ImageError(ValueError):
    """A picture that cannot be used; `str(error)` is one sentence for the person who sent it.

    The sentence names what came and what is accepted. `status` is the HTTP status code.
    """

    status: int = 400


class EmptyImageError(ImageError):
    """The file holds no bytes at all."""

    status = 400


class CorruptImageError(ImageError):
    """The file is of an accepted format but truncated, damaged or ambiguous."""

    status = 400


class UnsupportedFormatError(ImageError):
    """The content is not one of the accepted formats, or a variant of one that is not accepted."""

    status = 415


class ImageTooLargeError(ImageError):
    """More bytes or more pixels than the limits allow."""

    status = 413
