"""Layers as descriptions: what an architecture is made of, without a single weight."""

from slth.networks.layers.base import Join, Layer, Shape, Unweighted, Weighted
from slth.networks.layers.conv import Conv
from slth.networks.layers.dense import Dense
from slth.networks.layers.equivariant import Equivariant, GroupPool, Lift, TurnPool
from slth.networks.layers.joins import Add
from slth.networks.layers.kinds import check_spaces, from_json, to_json
from slth.networks.layers.unweighted import AvgPool, Flatten, GlobalAvgPool, MaxPool, Relu

__all__ = [
    "Add",
    "AvgPool",
    "Conv",
    "Dense",
    "Equivariant",
    "Flatten",
    "GlobalAvgPool",
    "GroupPool",
    "Join",
    "Layer",
    "Lift",
    "MaxPool",
    "Relu",
    "Shape",
    "TurnPool",
    "Unweighted",
    "Weighted",
    "check_spaces",
    "from_json",
    "to_json",
]
