from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from lab_cast import Cast

from sim.packets import PacketLog
from sim.partner_switch import PartnerSwitch, TrunkPort
from sim.user_agents import ProviderAgent, SwitchAgent


@pytest.fixture
async def cast() -> AsyncIterator[Cast]:
    log = PacketLog()
    provider = ProviderAgent("Riverbend", "501Z", domain="riverbend.example", tap=log)
    partner = PartnerSwitch(tap=log)
    switch = SwitchAgent("Columbia", "CLMAMOXADS0", tap=log)
    async with AsyncExitStack() as stack:
        for member in (provider, partner, switch):
            stack.push_async_callback(member.close)
        await provider.start()
        await switch.start()
        await partner.start([TrunkPort("SHARED", switch.address), TrunkPort("DEDICATED", switch.address)])
        partner.serve("Riverbend", "SHARED", [provider.address], ["1314555"])
        provider.next_hop = partner.access
        switch.next_hop = partner.trunk("SHARED")
        yield Cast(provider, partner, switch, log)
