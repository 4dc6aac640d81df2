"""A DNS laboratory on loopback: a private root, a TLD, operators, validating resolvers, and a client that asks them all.

Resolvers follow delegations to port 53 and no other, so every server has a loopback address of its own
(:mod:`tests.lab.addresses`). The root and the TLD are signed by zonekit with keys made when the laboratory starts
(:mod:`tests.lab.parent`); operators serve the children (:mod:`tests.lab.operators`, each with two servers of
:mod:`tests.lab.authorities`); the resolvers have the private root's key as trust anchor and no minimum TTLs
(:mod:`tests.lab.resolvers`); the client writes down every answer (:mod:`tests.lab.client`). :mod:`tests.lab.laboratory`
puts them together:

    with Lab.started(directory) as lab:
        gaining = lab.operator("gaining", NamedServer)
        gaining.load(zone)
        lab.parent.delegate(zone.origin, gaining.hosts, ds=make_ds(keys, ttl=DELEGATION_TTL))
        with lab.client([Watched(zone.origin)]) as client:
            ...
        client.report().assert_good(at_least=20)

:mod:`tests.lab.matrix` holds the resolver profiles of the cache model against the real resolvers. One laboratory holds many
domains, so that several transfers can go on in it at once: each flow (:mod:`tests.lab.test_flows`), and each fault
(:mod:`tests.lab.test_faults`, with what goes wrong in :mod:`tests.lab.faulty`). TTLs are seconds, and so is time: this is the
one part of the suite that waits for a clock.
"""
