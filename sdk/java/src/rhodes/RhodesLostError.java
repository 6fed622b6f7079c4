package rhodes;

/** The callee was lost, or no instance of it is up. */
public class RhodesLostError extends RhodesError {
    private static final long serialVersionUID = 1;

    RhodesLostError(int code, boolean ran, String message) {
        super(code, ran, message);
    }
}
