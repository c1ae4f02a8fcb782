"""The names under which a player's values are logged, after `PLAYER/`, that other parts of the package look for."""

REAL_LOGITS = "logits/real"  # D's logits of real samples
FAKE_LOGITS = "logits/fake"  # and of fakes
GRADIENT_NORM = "gradient_norm"  # over all weights of the player
