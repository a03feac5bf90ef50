"""A descriptor as long as one that holds a network's numbers too: what an index of such vectors costs."""

from __future__ import annotations

from anime_search.engine.descriptor import DctDescriptor


class WideDct(DctDescriptor):
    """Low frequencies as :class:`DctDescriptor` keeps them, but 96 of luma and 32 of each chroma plane: 160 numbers."""

    name = "dct160-bench"
    dim = 160

    _LUMA, _CHROMA = 96, 32
