class ZerosumError(Exception):
    """An error whose message a user can act on; the command line prints it as one line and exits with `exit_code`."""

    exit_code = 2
