#!/usr/bin/env python3
"""Solves the shared folder's recordings beside other solvers' results and prints the tables of
results/solve_real.md.

    tests/bench/solve_real.py --score build/bin/understudy-score --data ../shared/data [--out DIR]

With --out, a page and a report of each recording are left there. Recordings that are absent are
named and left out.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

GAIT = "trc_osim/osimmodels/Pipelines/Gait2354_Simbody/"
FOUR = "trc_osim/nimbletrc/data/grf/Subject4/"
MODEL = FOUR + "Models/optimized_scale_and_markers.osim"
SETS = [
    ("cmu_02_05.c3d", "CMU 02_05.amc", "c3d/nimble/data/c3d/cmu_02_05.c3d",
     ["--reference", "asf_amc/cmuasf/02/02_05.amc"]),
    ("nick_freeform_001.c3d", "Blade Nick01.vsk", "c3d/nimble/data/c3d/nick_freeform_001.c3d",
     ["--reference", "vsk/nimble/data/vsk/Nick01.vsk"]),
    ("Movement_trial.c3d", "Nexus Test.vsk", "c3d/pycgm/Test_Files/Movement_trial.c3d",
     ["--reference", "vsk/pycgm/Test_Files/Test.vsk"]),
    ("subject01_walk1.trc", "OpenSim gait2354", GAIT + "subject01_walk1.trc",
     ["--with", GAIT + "subject01_static.trc", "--reference", GAIT + "subject01_walk1_ik.mot",
      "--reference-model", GAIT + "OutputReference/subject01_simbody.osim"]),
    ("walking2.trc", "OpenSim Subject4", FOUR + "MarkerData/walking2.trc",
     ["--reference", FOUR + "IK/walking2_ik.mot", "--reference-model", MODEL]),
    ("DJ1.trc", "OpenSim Subject4", FOUR + "MarkerData/DJ1.trc",
     ["--reference", FOUR + "IK/DJ1_ik.mot", "--reference-model", MODEL]),
]


def solve(score, data, path, arguments, out, name):
    """The report of one recording, or None where it is absent or fails."""
    files = [data / path] + [data / a for a in arguments if not a.startswith("--")]
    absent = [str(f) for f in files if not f.exists()]
    if absent:
        print(f"SKIPPED: {name}: no {absent[0]}", file=sys.stderr)
        return None
    command = [score, "solve", str(data / path)]
    command += [a if a.startswith("--") else str(data / a) for a in arguments]
    report = out / (name + ".json")
    command += ["--json", str(report), "--html", str(out / (name + ".html"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"FAILED: {name}: {done.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    return json.loads(report.read_text())


def number(value, digits=1):
    return "-" if value is None else f"{value:.{digits}f}"


def marker_row(name, other, r):
    ours, theirs = r["solve"]["marker_mm"], r["reference"]
    if theirs["common_markers"]:
        common = theirs["common_markers"]
        both = (common["ours_mm"], common["ours_held_out_mm"], common["theirs_mm"])
    else:
        both = (theirs["our_best_marker_mm"]["rms"], None, theirs["best_marker_mm"]["rms"])
    held = (theirs["marker_mm"] or {}).get("held_out_measured_rms")
    cells = [name, other, str(r["markers"]), number(ours["rms"]), number(ours["per_frame_rms"]),
             number(ours["held_out_rms"]), number(ours["held_out_measured_rms"]),
             number(both[0]), number(both[1]), number(both[2]), number(held),
             str(r["mislabelled"]), number(r["solve"]["cpu_us_per_frame"], 0)]
    return "| " + " | ".join(cells) + " |"


def angle_row(name, r):
    angles = {a["angle"]: a for a in r["reference"]["angles"]}
    cells = [name]
    for joint in ("hip", "knee", "ankle", "elbow"):
        pair = [angles.get(side + "_" + joint) for side in ("left", "right")]
        cells.append(" / ".join(
            "-" if a is None else f"{a['rms_deg']:.1f} of {a['range_deg']:.0f}" for a in pair))
    return "| " + " | ".join(cells) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--score", default="build/bin/understudy-score")
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        out = options.out or pathlib.Path(scratch)
        out.mkdir(parents=True, exist_ok=True)
        reports = [(name, other, solve(options.score, options.data, path, arguments, out, name))
                   for name, other, path, arguments in SETS]
    reports = [each for each in reports if each[2]]
    print("| recording | other solver | markers | ours | each frame for itself | held out | held "
          "out, joint measured by others | both: ours | ours, held out | theirs | theirs, held "
          "out, joint measured | mislabelled | us a frame |")
    print("|" + "---|" * 13)
    for each in reports:
        print(marker_row(*each))
    print("\n| recording | hip, left / right | knee | ankle | elbow |\n|---|---|---|---|---|")
    for name, _, report in reports:
        print(angle_row(name, report))


if __name__ == "__main__":
    main()
