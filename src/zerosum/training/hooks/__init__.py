"""What happens between rounds: each hook is a callable on the trainer."""
