from gatehouse import ActorIdentity

__all__ = ["ActorIdentity"]
