"""Calls functions that become others meanwhile: prints what it is told, a call a line."""
import rhodes

sums = rhodes.open("sums")
print(sums.sums_same(1), flush=True)
input()
for call in sums.sums_add, sums.sums_add:
    try:
        call(1, 2)
    except rhodes.RhodesInterfaceError as error:
        print(str(error).replace("\n", "|"))
try:
    sums.sums_gone(1)
except rhodes.RhodesInterfaceError as error:
    print(str(error).replace("\n", "|"))
print(sums.sums_same(3))
