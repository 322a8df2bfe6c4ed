"""What a diffusion looks like in its network: exposure, thresholds, hazard, contagion, clustering.

The measures of Valente (1995) and of the R package netdiffuseR for anybody's ties and times of
adoption: a simulated run, a region's register, the classic networks in ``evidence``. ``table``
collects them all; each of the other modules holds one idea. In all of them a firm's ties come from
those who influence it, ``adoption`` is one time per firm in whole periods (1961 ... or 0, 1 ...,
nan for never), and ``first`` and ``last`` bound the observed periods.
"""
