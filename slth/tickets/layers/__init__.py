"""Layers as descriptions: what an architecture is made of, without a single weight."""

from slth.tickets.layers.base import Layer, Passing, Shape, Weighted
from slth.tickets.layers.chain import (
    check_spaces,
    default_input_shape,
    from_json,
    shapes,
    signed,
    smallest_input_shape,
    to_json,
    weighted,
)
from slth.tickets.layers.conv import Conv
from slth.tickets.layers.dense import Dense
from slth.tickets.layers.equivariant import Equivariant, GroupPool, Lift, TurnPool
from slth.tickets.layers.passing import AvgPool, Flatten, GlobalAvgPool, MaxPool, Relu

__all__ = [
    "AvgPool",
    "Conv",
    "Dense",
    "Equivariant",
    "Flatten",
    "GlobalAvgPool",
    "GroupPool",
    "Layer",
    "Lift",
    "MaxPool",
    "Passing",
    "Relu",
    "Shape",
    "TurnPool",
    "Weighted",
    "check_spaces",
    "default_input_shape",
    "from_json",
    "shapes",
    "signed",
    "smallest_input_shape",
    "to_json",
    "weighted",
]
