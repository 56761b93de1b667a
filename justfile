# Everything that a change must pass; CI runs the same.
ci:
    bash .ci/run

# The share of the audit's CPU that is more than bare parsing, on trees of your choice.
bench *trees:
    cargo bench --bench parse_share -- {{trees}}
