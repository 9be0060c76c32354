"""supplies, version 1: from receipt over inspection, allocation, shipment and handover to use;
and corrections.

Per lot, after every transaction, in base units:
received + transformed_in = in_stock + reserved + in_transit + delivered + used + destroyed +
declared_loss + transformed_out; each term a counter of its own (DESIGN section 5). Words:
domain.md section 6.
"""
