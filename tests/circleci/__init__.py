"""The CircleCI client, spoken to through a scripted CircleCI over real HTTP."""
