"""The devices of this machine, how busy they are, and who has them."""

from pathlib import Path

import streamlit as st

from app.launching.machine import Load, Machine
from app.plain import plain
from specdet.runs.words import byte_count


@st.cache_resource(show_spinner=False)
def machine() -> Machine:
    """This machine, for all windows."""
    return Machine()


def devices_table(load: Load) -> None:
    """Show them, one a row."""
    if load.trouble:
        st.error(plain(load.trouble))
    devices = load.devices
    st.dataframe(
        {
            "device": [device.title for device in devices],
            "busy": [device.busy for device in devices],
            "memory": [100 * device.used / device.total if device.used is not None and device.total else None
                       for device in devices],
            "of": [_memory(device.used, device.total) for device in devices],
            "temperature": ["" if device.celsius is None else f"{device.celsius} °C" for device in devices],
            "held": ["free" if device.free else device.run or "a training without supervisor" for device in devices],
        },
        hide_index=True,
        placeholder="",
        height="content",
        column_config={
            "device": st.column_config.TextColumn("Device", width=180),
            "busy": st.column_config.ProgressColumn("Computes", width=110, format="%d%%", min_value=0,
                                                    max_value=100, help="How much of its time, of late."),
            "memory": st.column_config.ProgressColumn("Memory in use", width=110, format="%d%%", min_value=0,
                                                      max_value=100),
            "of": st.column_config.TextColumn("", width=140),
            "temperature": st.column_config.TextColumn("Temperature", width=90),
            "held": st.column_config.TextColumn("Run that has it", width=260),
        },
        alt="Devices of this machine",
    )  # fmt: skip
    if load.disk_free is not None:
        st.caption(f"{byte_count(load.disk_free)} are free on the disk of the runs.")


def look(runs: Path) -> Load:
    """How busy this machine is now."""
    return machine().look(runs=runs)


def _memory(used: int | None, total: int | None) -> str:
    if total is None:
        return ""
    return f"{byte_count(used)} of {byte_count(total)}" if used is not None else byte_count(total)
