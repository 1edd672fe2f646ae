"""Scores of masks by MONAI, MedPy and DeepMind's surface-distance, for test/metrics.

    python test/oracles/metrics_peer.py > test/oracles/metrics.json     the cases that npm test compares with
    python test/oracles/metrics_peer.py --random 40 --seed 1            fresh cases, for a live comparison

A mask is base64 of its bits (numpy.packbits), first axis fastest. Scores are named as our keys are, without the part on
empty masks; NaN and infinities are text, null where the program refuses.
"""
import argparse
import base64
import importlib.metadata as metadata
import json
import sys
import warnings

import numpy as np

# surface-distance 0.1 was written for numpy 1.
np.Inf, np.NaN = np.inf, np.nan
warnings.filterwarnings("ignore")

import surface_distance as deepmind  # noqa: E402
import torch  # noqa: E402
from medpy.metric import binary as medpy  # noqa: E402
from monai.metrics import (  # noqa: E402
    compute_average_surface_distance,
    compute_dice,
    compute_hausdorff_distance,
    compute_surface_dice,
)
from surface_distance import lookup_tables  # noqa: E402

SPACINGS = [(1, 1, 1), (0.85, 1.2, 0.9), (0.5, 0.5, 7.5), (2, 1, 1)]
TOLERANCE = 1


def text(value):
    if value is None:
        return None
    value = float(value)
    return value if np.isfinite(value) else str(value)


def scores(prediction, truth, spacing):
    p, t = (torch.from_numpy(m)[None, None].float() for m in (prediction, truth))
    monai = {"include_background": True, "spacing": list(spacing)}
    result = {
        # nnU-Net 2, evaluation/evaluate_predictions.py: NaN when there is nothing in either
        "dice.nnunet": dice(prediction, truth),
        "dice.monai": compute_dice(p, t),
        "dice.monai-all": compute_dice(p, t, ignore_empty=False),
        "hd-mm.monai": compute_hausdorff_distance(p, t, **monai),
        "hd95-mm.monai": compute_hausdorff_distance(p, t, percentile=95, **monai),
        "asd-mm.monai": compute_average_surface_distance(p, t, **monai),
        "assd-mm.monai": compute_average_surface_distance(p, t, symmetric=True, **monai),
        "nsd-1mm.monai": compute_surface_dice(p, t, [TOLERANCE], **monai),
    }
    for name in ["hd95", "asd", "assd"]:
        try:
            result[f"{name}-mm.medpy"] = getattr(medpy, name)(prediction, truth, voxelspacing=spacing)
        except RuntimeError:
            result[f"{name}-mm.medpy"] = None
    try:
        # MedPy up to 0.4: numpy.mean((asd(result, reference), asd(reference, result)))
        both = [medpy.asd(a, b, voxelspacing=spacing) for a, b in [(prediction, truth), (truth, prediction)]]
        result["assd-mm.medpy-0.4"] = np.mean(both)
    except RuntimeError:
        result["assd-mm.medpy-0.4"] = None
    distances = deepmind.compute_surface_distances(truth, prediction, spacing)
    average = deepmind.compute_average_surface_distance(distances)
    result["asd-mm.deepmind-from-truth"], result["asd-mm.deepmind-from-prediction"] = average
    result["hd95-mm.deepmind"] = deepmind.compute_robust_hausdorff(distances, 95)
    result["nsd-1mm.deepmind"] = deepmind.compute_surface_dice_at_tolerance(distances, TOLERANCE)
    others = {
        "medpy dice": medpy.dc(prediction, truth),
        "deepmind dice": deepmind.compute_dice_coefficient(truth, prediction),
        "monai nsd subvoxels": compute_surface_dice(p, t, [TOLERANCE], use_subvoxels=True, **monai),
    }
    return {key: text(value) for key, value in {**result, **others}.items()}


def dice(prediction, truth):
    tp = np.sum(prediction & truth)
    fp = np.sum(prediction & ~truth)
    fn = np.sum(~prediction & truth)
    return np.nan if tp + fp + fn == 0 else 2 * tp / (2 * tp + fp + fn)


def packed(mask):
    return base64.b64encode(np.packbits(mask.flatten(order="F"))).decode()


def case(name, prediction, truth, spacing):
    return {
        "name": name,
        "dims": prediction.shape,
        "spacing": spacing,
        "prediction": packed(prediction),
        "truth": packed(truth),
        "scores": scores(prediction, truth, spacing),
    }


def blobs(rng, dims, share):
    """Smooth random shapes that reach the border of the grid; at a high share nearly all is foreground."""
    noise = rng.standard_normal(dims)
    for axis in range(3):
        noise = noise + np.roll(noise, 1, axis) + np.roll(noise, -1, axis)
    return noise > np.quantile(noise, 1 - share)


def random_cases(count, seed):
    rng = np.random.default_rng(seed)
    for n in range(count):
        dims = tuple(int(d) for d in rng.integers(1, 16, 3))
        spacing = SPACINGS[n % len(SPACINGS)] if n % 2 == 0 else tuple(rng.uniform(0.3, 5, 3).round(3).tolist())
        share = [0.02, 0.1, 0.3, 0.6][n % 4]
        if n % 5 == 4:  # scattered voxels: every case of the marching cubes
            prediction, truth = rng.random(dims) < 0.5, rng.random(dims) < 0.5
        else:
            prediction, truth = blobs(rng, dims, share), blobs(rng, dims, share)
        yield case(f"{n}: {dims}, spacing {spacing}", prediction, truth, spacing)


def empty_cases():
    some, none = np.zeros((5, 4, 3), bool), np.zeros((5, 4, 3), bool)
    some[1:3, 1:4, 1] = True
    yield case("both empty", none, none, (1, 1, 2))
    yield case("truth empty", some, none, (1, 1, 2))
    yield case("prediction empty", none, some, (1, 1, 2))
    yield case("equal", some, some, (1, 1, 2))


def areas(spacing):
    """DeepMind's area of each neighbourhood; its bit 0 is the last of the eight voxels in C order."""
    return {"spacing": spacing, "areas": lookup_tables.create_table_neighbour_code_to_surface_area(spacing).tolist()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--random", type=int)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    names = ["monai", "medpy", "surface-distance", "numpy", "scipy", "torch"]
    cases = [*empty_cases(), *random_cases(args.random or 20, args.seed)]
    oracle = {
        "versions": {name: metadata.version(name) for name in names},
        "areas": [areas((1, 1, 1)), areas((0.5, 1.25, 3))],
        "cases": cases,
    }
    json.dump(oracle, sys.stdout, indent=None if args.random else 1)


main()
