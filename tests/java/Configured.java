/** What the configuration of the agent names: methods with bodies, and an interface. */
public final class Configured {
    /** Calls of this go to the callee, whoever is behind. */
    interface Kinds {
        int i32(int number);

        String newText(String text);

        int notThere();
    }

    /** A class whose methods have other bodies. */
    static final class Local {
        static long kinds_u64(long number) {
            return 0;
        }

        String text(String text) {
            return "local";
        }

        int notThere() {
            return 5;
        }
    }

    private Configured() {
    }

    public static void main(String[] words) {
        Kinds kinds = new Kinds() {
            @Override
            public int i32(int number) {
                return 0;
            }

            @Override
            public String newText(String text) {
                return "local";
            }

            @Override
            public int notThere() {
                return 7;
            }
        };
        System.out.println(kinds.i32(3) + " " + kinds.newText("ab") + " " + kinds.notThere() + " "
                + Local.kinds_u64(-1) + " " + new Local().text("x") + " "
                + new Local().notThere());
    }
}
