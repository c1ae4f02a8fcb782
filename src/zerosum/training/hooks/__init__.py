"""What happens between steps: each hook is a callable on the trainer."""
