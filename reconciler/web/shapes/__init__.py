"""What is shown, as types: the API answers them, pages tell them. Within a version fields only come."""

from reconciler.web.shapes.base import Problem, Shape, Status
from reconciler.web.shapes.happened import EventList, EventShape, MovingShape, RunList, RunShape
from reconciler.web.shapes.measured import AvailabilityShape, DayShape, UsageList, UsageShape
from reconciler.web.shapes.people import ConsentShape, PartList, PartShape, PauseList, PauseShape, WantedShape, WhoShape
from reconciler.web.shapes.plans import ActionShape, FieldShape, GraphShape, LineShape, NodeShape, PlanShape
from reconciler.web.shapes.resources import (
    ChoiceShape,
    ConditionShape,
    EdgeShape,
    FindingShape,
    ResourceDetail,
    ResourceList,
    ResourceShape,
)
from reconciler.web.shapes.status import StatusShape, UnreadShape

__all__ = [
    "ActionShape",
    "AvailabilityShape",
    "ChoiceShape",
    "ConditionShape",
    "ConsentShape",
    "DayShape",
    "EdgeShape",
    "EventList",
    "EventShape",
    "FieldShape",
    "FindingShape",
    "GraphShape",
    "LineShape",
    "MovingShape",
    "NodeShape",
    "PartList",
    "PartShape",
    "PauseList",
    "PauseShape",
    "PlanShape",
    "Problem",
    "ResourceDetail",
    "ResourceList",
    "ResourceShape",
    "RunList",
    "RunShape",
    "Shape",
    "Status",
    "StatusShape",
    "UnreadShape",
    "UsageList",
    "UsageShape",
    "WantedShape",
    "WhoShape",
]
