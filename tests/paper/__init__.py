"""Castro and Liskov, "Practical Byzantine Fault Tolerance" (OSDI'99), sentence by sentence."""
