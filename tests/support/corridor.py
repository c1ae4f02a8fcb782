"""A corridor for tests of policies: five places, a step left or right; the right end is the goal, after it all ends."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium
import numpy as np

NAME, CUT = "Corridor-v0", 8


class Corridor(gymnasium.Env[Any, Any]):
    """States are (place, 1); a step costs 1. What is asked of a test may be switched on by the class."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 30}
    reward: ClassVar[float] = -1.0

    def __init__(self, render_mode: str | None = None, continuous: bool = False):
        self.render_mode, self.continuous = render_mode, continuous
        self.observation_space = gymnasium.spaces.Box(-9, 9, (2,), np.float32)
        box = gymnasium.spaces.Box(-1, 1, (1,), np.float32)
        self.action_space = box if continuous else gymnasium.spaces.Discrete(2)
        self.place = 0.0

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.place = float(self.np_random.integers(0, 3))
        return self._seen(), {}

    def step(self, action: Any) -> Any:
        self.place += float(action[0]) if self.continuous else (1.0 if action == 1 else -1.0)
        self.place = max(self.place, 0.0)
        return self._seen(), type(self).reward, self.place >= 4, False, {}

    def render(self) -> Any:
        picture = np.zeros((8, 40, 3), np.uint8)
        picture[:, 8 * int(min(self.place, 4)) : 8 * int(min(self.place, 4)) + 8] = 255
        return picture

    def _seen(self) -> Any:
        return np.array([self.place, 1.0], np.float32)


def register() -> None:
    for name, own in ((NAME, {}), ("SlidingCorridor-v0", {"continuous": True})):
        if name not in gymnasium.registry:
            gymnasium.register(name, "corridor:Corridor", max_episode_steps=CUT, kwargs=own)
