from inr.seeding import mix_seed


def test_mixed_seeds_differ():
    seeds = {mix_seed(a, b, c) for a in range(6) for b in range(6) for c in range(6)}
    assert len(seeds) == 216 and all(0 <= seed < 2**63 for seed in seeds)
