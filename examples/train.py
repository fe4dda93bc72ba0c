"""Trains a run from a configuration file, with the arguments of xNoise's script.

    python examples/train.py --config config/model_small.yaml --set data.path=tiny-imagenet-200.zip --out runs/tiny

Goes on where an interrupted training stopped. `noisescope train` is the same as a program.
"""

import argparse

import noisescope as ns


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--config", default="", help="YAML file (default: the demo's configuration)")
    parser.add_argument("--out", default="runs/train", help="run folder")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="keys over the file")
    parser.add_argument("--skip-clip-extraction", action="store_true", help="use the embedding cache as it is")
    parser.add_argument("--no-animation", action="store_true", help="no film of a picture being drawn at the end")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    overrides = dict(pair.split("=", 1) for pair in args.set)
    run = ns.train(args.out, args.config, overrides=overrides,
                   skip_clip_extraction=args.skip_clip_extraction, device=args.device)
    print(f"trained {run}")
    if not args.no_animation and run.config["data"]["kind"] == "world":
        record = run.record("a red square left of a blue disc on dark")
        ns.Pictures(record.denoised[:, 0].float()).film().save(f"{args.out}/drawing.gif")
        print(f"wrote {args.out}/drawing.gif")


if __name__ == "__main__":
    main()
