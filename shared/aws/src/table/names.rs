use std::collections::BTreeMap;

use sluice_ports::PortError;

use super::schema::Table;

/// What the tables are called in a deployment. A function knows only those it uses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableNames(BTreeMap<Table, String>);

impl TableNames {
    /// From the variables that `template.yaml` sets ([`Table::variable`]); those that are unset or empty are left out.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let named = |table: Table| Some((table, variable(table.variable()).filter(|name| !name.is_empty())?));
        Self(Table::ALL.into_iter().filter_map(named).collect())
    }

    /// All seven, as a stack of that name calls them: `sluice-audit`.
    pub fn of_stack(stack: &str) -> Self {
        Self(Table::ALL.into_iter().map(|table| (table, format!("{stack}-{}", table.as_str()))).collect())
    }

    /// The name of one table.
    ///
    /// # Errors
    /// [`PortError::Missing`] when the deployment gives none.
    pub fn of(&self, table: Table) -> Result<&str, PortError> {
        let name = self.0.get(&table).map(String::as_str);
        name.ok_or_else(|| PortError::Missing {
            what: table.as_str(),
            cause: format!("set `{}` to the table's name", table.variable()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_without_a_name_says_which_variable_to_set() {
        let names = TableNames::from_variables(|variable| match variable {
            "SLUICE_TABLE_AUDIT" => Some("prod-audit".to_owned()),
            "SLUICE_TABLE_ORDERS" => Some(String::new()),
            _ => None,
        });
        assert_eq!(names.of(Table::Audit), Ok("prod-audit"));
        let error = names.of(Table::Orders).unwrap_err();
        assert_eq!(error.to_string(), "orders: set `SLUICE_TABLE_ORDERS` to the table's name");
    }
}
